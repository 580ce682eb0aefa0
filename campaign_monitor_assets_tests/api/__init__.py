"""Tests of the layer `api`."""
