"""The engines that read and stage data; one module each."""
