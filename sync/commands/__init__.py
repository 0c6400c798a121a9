"""The commands, by what they are about; `sync.cli` puts them in the order of the flow."""
