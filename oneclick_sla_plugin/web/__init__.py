"""The web application: webhooks in, health and counters out."""
