"""What sushy, unmodified, reads of one Redfish service and changes on it. One JSON object on standard output."""
import json
import sys

import sushy
import urllib3

urllib3.disable_warnings()
url, username, password, image = sys.argv[1:]
connection = sushy.Sushy(url, username=username, password=password, verify=False)
system = connection.get_system_collection().get_members()[0]
manager = connection.get_manager_collection().get_members()[0]


def drives():
    if 'Storage' not in system.json:
        return None
    return [drive.name for storage in system.storage.get_members() for drive in storage.drives]


def media():
    """Inserted, seen, and ejected again, on the first device that takes a CD."""
    owners = [each for each in (manager, system) if 'VirtualMedia' in each.json and hasattr(type(each), 'virtual_media')]
    owner = owners[0] if owners else None
    if owner is None:
        return None
    devices = [each for each in owner.virtual_media.get_members() if sushy.VIRTUAL_MEDIA_CD in (each.media_types or [])]
    device = devices[0]
    device.insert_media(image)
    device.refresh()
    inserted = device.inserted
    device.eject_media()
    device.refresh()
    return [inserted, device.inserted]


def boot():
    system.set_system_boot_options(target=sushy.BOOT_SOURCE_TARGET_PXE, enabled=sushy.BOOT_SOURCE_ENABLED_ONCE)
    system.refresh()
    return [system.boot.target.value, system.boot.enabled.value]


found = {
    'manufacturer': system.manufacturer,
    'memoryGiB': system.memory_summary.size_gib,
    'processors': len(system.processors.get_members()),
    'drives': drives(),
    'macs': sorted(system.ethernet_interfaces.summary),
    'firmware': sorted(each.identity for each in connection.get_update_service().firmware_inventory.get_members()),
    'boot': boot(),
    'media': media(),
    'power': [system.power_state.value],
}
system.reset_system(sushy.RESET_FORCE_OFF)
system.refresh()
found['power'].append(system.power_state.value)
print(json.dumps(found))
