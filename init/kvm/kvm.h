/* The exit status of `ringfence-init kvm`; src/ringfence/container/accelerator.py reads it. */
#ifndef RINGFENCE_KVM_H
#define RINGFENCE_KVM_H

enum kvm_verdict { KVM_WORKS, KVM_CLOSED = 3, KVM_REFUSES, KVM_CRAWLS };

int probe_kvm(void);

#endif
