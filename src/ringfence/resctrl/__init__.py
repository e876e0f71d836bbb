"""Intel RDT by way of the resctrl file system (Documentation/arch/x86/resctrl.rst; config-linux.md, IntelRdt)."""
