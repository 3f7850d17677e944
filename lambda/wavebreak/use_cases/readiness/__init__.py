"""Whether plans are ready: what their sites are asked, and the checks that are made regularly."""
