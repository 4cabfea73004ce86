package webhook

// ConfiguredID is the id of a webhook of the configuration.
func ConfiguredID(address string) string { return configuredID(address) }
