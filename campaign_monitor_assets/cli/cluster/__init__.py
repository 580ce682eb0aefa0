"""`cluster-demo`: runs on workers, with all that they need, on one machine and without containers.

It is a picture of a deployment, no way to deploy: what a real one needs of settings stands in
`dagster.yaml` beside this file, and nothing outside this folder may depend on it but the command.
"""
