"""Who may act for which token, where several replicas share the work. Pure."""
