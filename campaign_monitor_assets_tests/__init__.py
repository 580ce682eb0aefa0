"""Behaviour of campaign_monitor_assets, seen from outside."""
