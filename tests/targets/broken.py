"""Cannot be imported."""

message = "no such luck"
raise OSError(message)
