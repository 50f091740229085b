# Finds, makes and removes an rxe device on the kernel that runs this: the machine's own or the VM's.
# shellcheck shell=bash

readonly rxe_device=rxe0
readonly rxe_interface=dummy0
readonly rxe_address=10.77.0.1/24
readonly rxe_address6=fd77::1/64

# Prints the first RDMA device that has an active port.
active_device() {
    local state
    for state in /sys/class/infiniband/*/ports/*/state; do
        if [[ -r $state && $(<"$state") == *ACTIVE ]]; then
            state=${state#/sys/class/infiniband/}
            echo "${state%%/*}"
            return 0
        fi
    done
    return 1
}

# Makes the device. What is there already is used as it is.
device_up() {
    modprobe --all dummy rdma_rxe ib_uverbs rdma_ucm || return 1
    if [[ ! -e /sys/class/net/$rxe_interface ]]; then
        ip link add "$rxe_interface" type dummy || return 1
    fi
    ip address replace "$rxe_address" dev "$rxe_interface" &&
        ip address replace "$rxe_address6" dev "$rxe_interface" nodad &&
        ip link set "$rxe_interface" up || return 1
    if [[ ! -e /sys/class/infiniband/$rxe_device ]]; then
        rdma link add "$rxe_device" type rxe netdev "$rxe_interface" || return 1
    fi
}

# Removes what `device_up` made.
device_down() {
    [[ ! -e /sys/class/infiniband/$rxe_device ]] || rdma link delete "$rxe_device" || return 1
    [[ ! -e /sys/class/net/$rxe_interface ]] || ip link delete "$rxe_interface"
}
