"""The servers that Taskwell is measured against, each as its own community would write it at its best."""
