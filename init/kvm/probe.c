/* Whether /dev/kvm runs a guest's code on the processor. A KVM without the processor's help answers every ioctl and then
 * emulates one instruction after the other, on which no kernel ever boots; so a loop of known length is run and the
 * processor time it takes is measured (Documentation/virt/kvm/api.rst). */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>

#include "../init.h"
#include "kvm.h"

#ifdef __x86_64__
#include <linux/kvm.h>

#define SIZE 0x10000
#define CODE 0x8000
#define BUDGET 50000 /* microseconds of processor time; the loop takes about 50 where it is run for good */
#define PRESENT_WRITABLE 3
#define LARGE_PAGE 0x80

static unsigned char memory[SIZE] __attribute__((aligned(4096)));

static void interrupt(int signal)
{
	(void)signal;
}

/* Page tables for the first 2 MiB, and: mov ecx, 100000; 1: dec ecx; jnz 1b; hlt */
static void write_guest(void)
{
	static const unsigned char code[] = {0xb9, 0xa0, 0x86, 0x01, 0x00, 0xff, 0xc9, 0x75, 0xfc, 0xf4};
	*(uint64_t *)(memory + 0x1000) = 0x2000 | PRESENT_WRITABLE;
	*(uint64_t *)(memory + 0x2000) = 0x3000 | PRESENT_WRITABLE;
	*(uint64_t *)(memory + 0x3000) = LARGE_PAGE | PRESENT_WRITABLE;
	memcpy(memory + CODE, code, sizeof code);
}

/* 64-bit mode with paging, as a kernel has it (AMD64 manual, volume 2, chapter 14). */
static int enter_long_mode(int cpu)
{
	struct kvm_sregs special;
	struct kvm_regs plain = {.rip = CODE, .rflags = 2};
	struct kvm_segment code = {.limit = ~0U, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
	struct kvm_segment data = {.limit = ~0U, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};
	if (ioctl(cpu, KVM_GET_SREGS, &special) < 0)
		return -1;
	special.cr0 = 0x80050033;
	special.cr3 = 0x1000;
	special.cr4 = 0x20;
	special.efer = 0x500;
	special.cs = code;
	special.ds = special.es = special.fs = special.gs = special.ss = data;
	return ioctl(cpu, KVM_SET_SREGS, &special) < 0 ? -1 : ioctl(cpu, KVM_SET_REGS, &plain);
}

/* A timer that goes on: a signal right before KVM_RUN must not be the last. */
static enum kvm_verdict run_guest(int cpu, const struct kvm_run *shared)
{
	struct sigaction action = {.sa_handler = interrupt};
	struct itimerval timer = {{0, BUDGET}, {0, BUDGET}};
	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_PROF, &timer, NULL);
	if (ioctl(cpu, KVM_RUN, 0) < 0)
		return errno == EINTR ? KVM_CRAWLS : KVM_REFUSES;
	return shared->exit_reason == KVM_EXIT_HLT ? KVM_WORKS : KVM_REFUSES;
}

static enum kvm_verdict try_guest(int kvm)
{
	struct kvm_userspace_memory_region region = {.memory_size = SIZE, .userspace_addr = (uintptr_t)memory};
	int machine = ioctl(kvm, KVM_CREATE_VM, 0);
	if (machine < 0 || ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return KVM_REFUSES;
	int cpu = ioctl(machine, KVM_CREATE_VCPU, 0), size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (cpu < 0 || size <= 0)
		return KVM_REFUSES;
	struct kvm_run *shared = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	if (shared == MAP_FAILED || enter_long_mode(cpu))
		return KVM_REFUSES;
	return run_guest(cpu, shared);
}

int probe_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (kvm < 0)
		return KVM_CLOSED;
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return KVM_REFUSES;
	write_guest();
	return (int)try_guest(kvm);
}

#else

/* Only x86 has a KVM that emulates where the processor does not help. */
int probe_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	return kvm < 0 ? KVM_CLOSED : KVM_WORKS;
}

#endif
