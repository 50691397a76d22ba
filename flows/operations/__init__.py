"""Running nights by themselves: the server, deployments, automations, alerts."""
