"""The verbs that hand a recipe to a cluster and look after it there; each one's module is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from kielo.verbs.lazy import Tool

VERBS: Mapping[str, Tool] = {
    "submit": Tool("kielo.verbs.submit", "hand a recipe to a cluster, as a chain of jobs"),
    "status": Tool("kielo.cluster.status", "list the jobs and steps of a recipe and where each stands"),
    "logs": Tool("kielo.cluster.logs", "show what a job or a step has said"),
    "cancel": Tool("kielo.cluster.cancel", "cancel the jobs of a recipe"),
    "resubmit": Tool("kielo.cluster.resubmit", "submit again what is missing, and nothing else"),
    "prefetch": Tool("kielo.cluster.hub.prefetch", "fetch the models and data sets that a recipe needs, for jobs without network"),
    "preflight": Tool("kielo.cluster.network.preflight", "try the network between two nodes of a cluster, in a job of minutes"),
    "doctor": Tool("kielo.cluster.doctor.command", "compare a cluster profile with the cluster"),
    "profile": Tool("kielo.cluster.profiles.new", "list the cluster profiles, or write a new one", has_verbs=True),
    "step": Tool("kielo.cluster.step", "make steps of a submitted recipe (what the jobs' scripts run)"),
}  # fmt: skip
