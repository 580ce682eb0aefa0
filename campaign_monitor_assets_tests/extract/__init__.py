"""Tests of the layer `extract`."""
