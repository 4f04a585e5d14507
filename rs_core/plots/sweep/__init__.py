"""Certificates, votes and radius curves drawn and put in words."""
