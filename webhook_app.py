"""WSGI entry: ``gunicorn webhook_app:app``, configured by ``ONECLICK_SLA_CONFIG``."""

from oneclick_sla_plugin.web.app import create_app

app = create_app()
