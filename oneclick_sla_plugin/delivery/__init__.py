"""The use cases between a webhook and the helpdesk: take the doorbell in, bring a ticket up to date."""
