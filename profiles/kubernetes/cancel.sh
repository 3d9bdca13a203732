#!/bin/sh
# Delete Kubernetes Jobs and their pods, without waiting: Snakemake allows two seconds.
exec kubectl delete job --wait=false --ignore-not-found "$@"
