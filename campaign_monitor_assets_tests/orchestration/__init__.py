"""Tests of the layer `orchestration`."""
