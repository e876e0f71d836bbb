"""System call filters: from config.json's seccomp section to the BPF program that the kernel runs."""
