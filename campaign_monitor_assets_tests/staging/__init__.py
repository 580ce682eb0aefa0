"""Tests of the layer `staging`."""
