"""Telling applications on this machine or by HTTP that there is a new token."""
