# Completion of ringfence for bash, written by tools/completions.py.

_ringfence() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb='' root=() words i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --root) root=(--root "${COMP_WORDS[++i]}") ;;
        --log | --log-format | --log-level | --root | --id | --criu | --rootless | --cgroup-manager | --driver | --trace | --hypervisor-log-dir | --personality) ((i++)) ;;
        -*) ;;
        *)
            verb=${COMP_WORDS[i]}
            case $verb in
            demo | image) ((i + 1 < COMP_CWORD)) && verb+=" ${COMP_WORDS[i + 1]}" ;;
            esac
            break
            ;;
        esac
    done
    case $verb:$before in
    :--log | :--criu | :--trace | create:--console-socket | create:--pidfd-socket | create:--pid-file | 'demo download:--output' | 'demo download:-o' | 'demo oci-image:--input' | 'demo oci-image:-i' | 'demo oci-image:--output' | 'demo oci-image:-o' | exec:--console-socket | exec:--pidfd-socket | exec:--process | exec:-p | exec:--pid-file | explain:--host | 'image build:--rootfs' | 'image build:--output' | 'image build:-o' | 'image build:--config' | restore:--pid-file | restore:--console-socket | run:--console-socket | run:--pidfd-socket | run:--pid-file | update:--resources | update:-r)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return ;;
    :--log-format)
        mapfile -t COMPREPLY < <(compgen -W "text json" -- "$word")
        return ;;
    :--log-level | :--id | :--cgroup-manager | :--personality | bundle:--platform | bundle:--ref | bundle:--uid-map | bundle:--gid-map | bundle:--limit | checkpoint:--manage-cgroups-mode | checkpoint:--empty-ns | checkpoint:--status-fd | checkpoint:--page-server | create:--preserve-fds | 'demo download:--machine' | 'demo download:-m' | 'demo download:--arch' | 'demo download:-a' | 'demo download:--version' | 'demo download:-v' | 'demo download:--mirror' | 'demo oci-image:--machine' | 'demo oci-image:-m' | 'demo oci-image:--arch' | 'demo oci-image:-a' | 'demo oci-image:--version' | 'demo oci-image:-v' | 'demo oci-image:--mirror' | events:--interval | exec:--cwd | exec:--env | exec:-e | exec:--user | exec:-u | exec:--additional-gids | exec:-g | exec:--process-label | exec:--apparmor | exec:--cap | exec:-c | exec:--preserve-fds | exec:--cgroup | 'image build:--tag' | 'image build:--os' | 'image build:--arch' | 'image build:--variant' | 'image build:--author' | 'image build:--limit' | 'image inspect:--platform' | 'image inspect:--ref' | 'image inspect:--limit' | restore:--manage-cgroups-mode | restore:--empty-ns | restore:--lsm-profile | restore:--lsm-mount-context | run:--preserve-fds | update:--blkio-weight | update:--cpu-period | update:--cpu-quota | update:--cpu-burst | update:--cpu-share | update:--cpu-rt-period | update:--cpu-rt-runtime | update:--cpuset-cpus | update:--cpuset-mems | update:--memory | update:--memory-reservation | update:--memory-swap | update:--pids-limit | update:--l3-cache-schema | update:--mem-bw-schema)
        COMPREPLY=()
        return ;;
    :--root | :--hypervisor-log-dir | checkpoint:--image-path | checkpoint:--work-path | checkpoint:--parent-path | create:--bundle | create:-b | 'demo spec:--bundle' | 'demo spec:-b' | explain:--bundle | explain:-b | restore:--bundle | restore:-b | restore:--image-path | restore:--work-path | run:--bundle | run:-b | spec:--bundle | spec:-b)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return ;;
    :--rootless)
        mapfile -t COMPREPLY < <(compgen -W "true false auto" -- "$word")
        return ;;
    :--driver | explain:--driver)
        mapfile -t COMPREPLY < <(compgen -W "namespaces microvm jail" -- "$word")
        return ;;
    bundle:--setuid)
        mapfile -t COMPREPLY < <(compgen -W "keep strip" -- "$word")
        return ;;
    bundle:--devices | 'image build:--devices')
        mapfile -t COMPREPLY < <(compgen -W "keep skip refuse" -- "$word")
        return ;;
    bundle:--volumes)
        mapfile -t COMPREPLY < <(compgen -W "mount ignore" -- "$word")
        return ;;
    'image build:--compress')
        mapfile -t COMPREPLY < <(compgen -W "gzip zstd none" -- "$word")
        return ;;
    list:--format | list:-f | ps:--format | ps:-f)
        mapfile -t COMPREPLY < <(compgen -W "table json" -- "$word")
        return ;;
    update:--cpu-idle)
        mapfile -t COMPREPLY < <(compgen -W "0 1" -- "$word")
        return ;;
    esac
    case $verb in
    '') words="--debug --log --log-format --log-level --root --id --criu --systemd-cgroup --rootless --cgroup-manager --driver --trace --hypervisor-log-dir --personality --help -h --version -v" ;;
    bundle) words="--platform --ref --terminal -t --setuid --devices --uid-map --gid-map --volumes --trust-labels --keep-flags --limit --help -h" ;;
    checkpoint) words="--image-path --work-path --tcp-established --ext-unix-sk --shell-job --lazy-pages --file-locks --manage-cgroups-mode --empty-ns --auto-dedup --parent-path --leave-running --tcp-skip-in-flight --link-remap --status-fd --page-server --pre-dump --help -h" ;;
    create) words="--bundle -b --console-socket --pidfd-socket --pid-file --no-pivot --no-new-keyring --preserve-fds --help -h" ;;
    delete) words="--force -f --help -h" ;;
    demo) words="--help -h" ;;
    'demo download') words="--machine -m --arch -a --version -v --output -o --mirror --help -h" ;;
    'demo oci-image') words="--input -i --machine -m --arch -a --version -v --output -o --mirror --help -h" ;;
    'demo spec') words="--bundle -b --help -h" ;;
    events) words="--interval --stats --help -h" ;;
    exec) words="--console-socket --pidfd-socket --cwd --env -e --tty -t --user -u --additional-gids -g --process -p --detach -d --pid-file --process-label --apparmor --no-new-privs --cap -c --preserve-fds --cgroup --ignore-paused --help -h" ;;
    explain) words="--bundle -b --driver --host --json --help -h" ;;
    features) words="--help -h" ;;
    image) words="--help -h" ;;
    'image build') words="--rootfs --output -o --tag --compress --os --arch --variant --config --author --devices --limit --help -h" ;;
    'image inspect') words="--platform --ref --json --files --verify --limit --help -h" ;;
    kill) words="--help -h" ;;
    list) words="--all --format -f --quiet -q --help -h" ;;
    pause) words="--help -h" ;;
    ps) words="--format -f --help -h" ;;
    restore) words="--bundle -b --detach -d --pid-file --console-socket --no-subreaper --no-pivot --image-path --work-path --tcp-established --ext-unix-sk --shell-job --lazy-pages --file-locks --manage-cgroups-mode --empty-ns --auto-dedup --lsm-profile --lsm-mount-context --help -h" ;;
    resume) words="--help -h" ;;
    run) words="--bundle -b --console-socket --pidfd-socket --pid-file --no-pivot --no-new-keyring --preserve-fds --detach -d --keep --no-subreaper --help -h" ;;
    spec) words="--bundle -b --rootless --help -h" ;;
    start) words="--help -h" ;;
    state) words="--help -h" ;;
    update) words="--resources -r --blkio-weight --cpu-period --cpu-quota --cpu-burst --cpu-share --cpu-rt-period --cpu-rt-runtime --cpuset-cpus --cpuset-mems --cpu-idle --memory --memory-reservation --memory-swap --pids-limit --l3-cache-schema --mem-bw-schema --help -h" ;;
    *) return ;;
    esac
    if [[ $word != -* ]]; then
        case $verb in
        '') words='bundle checkpoint create delete demo events exec explain features image kill list pause ps restore resume run spec start state update help' ;;
        checkpoint | delete | events | exec | explain | kill | pause | ps | restore | resume | start | state | update)
            words=$("${COMP_WORDS[0]}" "${root[@]}" list --quiet 2>/dev/null) ;;
        demo) words='download oci-image spec' ;;
        image) words='build inspect' ;;
        bundle | 'image inspect')
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return ;;
        *) words='' ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _ringfence ringfence
