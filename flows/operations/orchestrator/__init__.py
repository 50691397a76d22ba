"""Everything about Prefect: tasks, artifacts, approval, deployments, automations, the server."""
