"""The commands, thin: words in, acts of the core, words out. A command's module is loaded when it is called."""
