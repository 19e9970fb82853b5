"""SMART-ID: who is who.

The founding charter, and the roster of persons, devices, sites and modules with their keys, roles and qualifications.
"""
