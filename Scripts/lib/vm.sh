# Runs a command in a virtual machine that boots Debian's kernel over this machine's own root file system.
# shellcheck shell=bash disable=SC2154 # the caller sets what is named below
#
# The VM sees every file of this machine; what it writes goes to memory and is gone afterwards, except in folders that
# are shared. Its init is our own (lib/guest-init, then lib/guest) and not that of virtme-ng, which needs udev, Python
# packages and 17 seconds under emulation where this needs 5, and which truncates the file that its output goes to.
#
# The caller sets `root`, and may set: vm_memory, vm_cpus, vm_time_limit (seconds), vm_shares (an array of folders).

readonly vm_cache=$root/.cache/rxe
# shellcheck disable=SC2034 # for the caller
readonly vm_boot_seconds=120      # far above what a boot takes, so that only a VM which hangs gets there
readonly vm_status_died=125       # the VM ended, and the command's status is unknown
readonly vm_status_time_limit=124 # as of timeout(1)

vm_say() { echo "rxe: $*" >&2; }

vm_kernel_version() {
    local image
    image=$(compgen -G "$root/.cache/kernel/boot/vmlinuz-*") || return 1
    echo "${image##*/vmlinuz-}"
}

# Prints the modules, in order, without which the root file system cannot be reached.
vm_boot_modules() {
    local module
    for module in virtio_pci virtio_console 9pnet_virtio 9p overlay; do
        PATH=$PATH:/usr/sbin:/sbin modprobe --dirname "$root/.cache/kernel" --set-version "$1" --show-depends "$module"
    done | sed -n 's/^insmod \(.*[^ ]\) *$/\1/p' | awk '!seen[$0]++'
}

# Prints the image to boot: Scripts/setup may have made one that starts faster than Debian's.
vm_kernel_image() {
    local image=$root/.cache/kernel/boot/vmlinux-$1
    [[ -e $image ]] || image=$root/.cache/kernel/boot/vmlinuz-$1
    echo "$image"
}

vm_make_initramfs() {
    local run=$1 tree=$1/initramfs module
    mkdir -p "$tree/bin" "$tree/modules"
    cp /bin/busybox "$tree/bin/busybox"
    cp "$root/Scripts/lib/guest-init" "$tree/init"
    chmod 755 "$tree/init"
    echo "$root/Scripts/lib/guest" >"$tree/guest"
    echo "$run" >"$tree/run"
    vm_boot_modules "$2" | while read -r module; do
        cp "$module" "$tree/modules/"
        echo "${module##*/}" >>"$tree/modules/order"
    done
    (cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$run/initramfs.cpio"
    rm -r "$tree"
}

# Writes the command so that every word, the environment and the folder are the same in the VM.
vm_write_command() {
    local run=$1
    shift
    {
        export -p
        echo "export LAM_DEVICE=rxe0"
        printf 'cd %q\n' "$PWD"
        printf 'exec timeout --kill-after=10 %q' "$vm_time_limit"
        printf ' %q' "$@"
        echo
    } >"$run/command"
}

# The options of qemu that depend on how instructions are run: by the processor or by emulation.
vm_acceleration_options() {
    case $1 in
        kvm) echo -accel kvm -cpu host ;;
        emulation) echo -accel tcg -cpu max ;;
    esac
}

# qemu reads a comma in a path as the end of it, unless doubled.
vm_path() { echo "${1//,/,,}"; }

# Hands a folder to the VM under the tag by which lib/guest mounts it. Prints options of qemu, one a line.
vm_share_options() {
    local tag=$1 folder=$2 readonly=${3:-}
    printf '%s\n' -fsdev "local,id=$tag,path=$(vm_path "$folder"),security_model=none,multidevs=remap$readonly" \
        -device "virtio-9p-pci,fsdev=$tag,mount_tag=$tag"
}

# Connects a serial port of the VM with a file or a pipe.
vm_port_options() {
    printf '%s\n' -chardev "file,id=$1,path=$(vm_path "$2")" -device "virtserialport,chardev=$1,name=$1"
}

# vm_boot ACCELERATION SECONDS COMMAND...: boots, runs, returns the command's status; it is as if run here.
vm_boot() {
    local acceleration=$1 seconds=$2 run version share port shares=0 options status=0
    shift 2
    version=$(vm_kernel_version)
    run=$(mktemp -d "$vm_cache/run.XXXXXX")
    # shellcheck disable=SC2064 # this folder, not that of a later boot
    trap "rm -rf $(printf %q "$run")" EXIT
    vm_make_initramfs "$run" "$version"
    vm_write_command "$run" "$@"
    echo "$root/.cache/kernel/lib/modules/$version" >"$run/modules"
    : >"$run/shares"
    mapfile -t options < <(
        vm_share_options machine / ,readonly=on
        for share in "${vm_shares[@]}"; do
            echo "share$shares $share" >>"$run/shares"
            vm_share_options "share$shares" "$share"
            shares=$((shares + 1))
        done
        for port in stdout stderr status; do
            vm_port_options "$port" "$run/$port"
        done
    )
    read -ra acceleration <<<"$(vm_acceleration_options "$acceleration")"

    vm_run_qemu "$run" "$seconds" \
        -nodefaults -no-user-config -display none -no-reboot -machine q35 "${acceleration[@]}" \
        -m "$vm_memory" -smp "$vm_cpus" \
        -kernel "$(vm_kernel_image "$version")" -initrd "$run/initramfs.cpio" \
        -append "console=ttyS0 loglevel=5 panic=-1 oops=panic" \
        -chardev "file,id=console,path=$(vm_path "$run/console.log")" -serial chardev:console \
        -device virtio-serial-pci "${options[@]}" || status=$?
    vm_conclude "$run" "$status"
}

# Runs qemu in the background, so that a signal is heard at once, and passes on what the VM prints.
vm_run_qemu() {
    local run=$1 seconds=$2 status=0 readers
    shift 2
    mkfifo "$run/stdout" "$run/stderr"
    cat "$run/stdout" &
    readers=($!)
    cat "$run/stderr" >&2 &
    readers+=($!)
    timeout --kill-after=5 "$seconds" qemu-system-x86_64 "$@" </dev/null &
    # shellcheck disable=SC2064 # these processes
    trap "kill $! ${readers[*]} 2>/dev/null; exit 130" INT TERM HUP
    wait $! || status=$?
    trap - INT TERM HUP
    # A reader whose pipe qemu never opened gets its end of file from here.
    : <>"$run/stdout" <>"$run/stderr"
    wait "${readers[@]}" || true
    return "$status"
}

# Finds out how the VM ended, says so if it is not the command's own doing, and keeps the kernel's log.
vm_conclude() {
    local run=$1 qemu_status=$2 status kept=$vm_cache/console.log log
    status=$(cat "$run/status" 2>/dev/null || true)
    log=$(tr -d '\r\0' 2>/dev/null <"$run/console.log") || log=
    echo "$log" >"$kept"
    rm -rf "$run"
    if [[ -n $status ]]; then
        [[ $status -ne $vm_status_time_limit ]] ||
            vm_say "the command was ended after its time limit of $vm_time_limit s (--time-limit)"
        [[ $log != *"WARNING: CPU"* && $log != *"BUG:"* ]] || vm_say "the VM's kernel complained meanwhile: see $kept"
        return "$status"
    fi
    if [[ $log == *"Kernel panic"* ]]; then
        vm_say "the VM's kernel panicked (all that it said: $kept):"
        sed -n '/BUG:\|Oops:\|Kernel panic/,$p' <<<"$log" | head -n 40 >&2
        return "$vm_status_died"
    elif [[ $qemu_status -eq 124 || $qemu_status -eq 137 ]]; then
        vm_say "the VM hung and was ended; what its kernel said last (all of it: $kept):"
    else
        vm_say "the VM ended before the command did (status of qemu: $qemu_status); what its kernel said last" \
            "(all of it: $kept):"
    fi
    tail -n 20 <<<"$log" >&2
    return "$vm_status_died"
}

# Prints kvm or emulation. /dev/kvm may be there although guests hang on it, so a boot decides, once per boot of this
# machine.
vm_acceleration() {
    local known=$vm_cache/acceleration boot
    boot=$(</proc/sys/kernel/random/boot_id)
    if [[ ! -w /dev/kvm ]]; then
        echo emulation
    elif [[ $(head -n 1 "$known" 2>/dev/null) == "$boot" ]]; then
        tail -n 1 "$known"
    else
        vm_say "trying whether KVM boots a VM here"
        local found=emulation
        ! vm_boot kvm 20 true >/dev/null 2>&1 || found=kvm
        printf '%s\n' "$boot" "$found" >"$known"
        echo "$found"
    fi
}
