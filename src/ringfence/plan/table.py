"""All steps of the init, in the order that gives them their numbers on the wire."""

from __future__ import annotations

from ringfence.plan import birth, inside, mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.plan.step import InitStep

INIT_STEPS: tuple[type[InitStep], ...] = (
    birth.OpenCgroup,
    birth.OpenBindSource,
    birth.SetOomScore,
    birth.SetAffinity,
    birth.ForkIntermediate,
    birth.JoinNamespace,
    birth.JoinProcess,
    birth.NewTimeNamespace,
    birth.Clone,
    birth.WriteIdMaps,
    birth.ReleaseChild,
    birth.AwaitChild,
    birth.SetChildLimit,
    birth.RunHook,
    inside.EnterCgroups,
    inside.AwaitConductor,
    inside.BecomeRoot,
    inside.NewSession,
    inside.JoinKeyring,
    inside.Unshare,
    inside.LoopbackUp,
    inside.SetHostname,
    inside.SetDomainname,
    inside.WriteSysctl,
    inside.SetLimit,
    inside.SetUmask,
    inside.SetPersonality,
    inside.SetScheduler,
    inside.SetIoPriority,
    inside.SetMemoryPolicy,
    inside.SetNoNewPrivileges,
    inside.LoadSeccomp,
    inside.DropBounding,
    inside.SetUser,
    inside.SetCapabilities,
    inside.SetExecLabel,
    inside.ChangeDirectory,
    inside.OwnStdio,
    inside.ResolveHome,
    inside.FindExecutable,
    inside.AwaitStart,
    inside.Exec,
    mounts.SetTreePropagation,
    mounts.OpenRoot,
    mounts.UseRoot,
    mounts.MountFilesystem,
    mounts.BindMount,
    mounts.SetPropagation,
    mounts.SetMountAttributes,
    mounts.MakeDevice,
    mounts.MakeSymlink,
    mounts.MakeDirectory,
    mounts.PivotRoot,
    mounts.MoveRoot,
    mounts.ChangeRoot,
    mounts.SetRootAttributes,
    mounts.SetRootPropagation,
    mounts.MakeReadonly,
    mounts.MaskPath,
    mounts.OpenConsole,
)
for number, step in enumerate(INIT_STEPS, start=1):
    step.KIND = number
