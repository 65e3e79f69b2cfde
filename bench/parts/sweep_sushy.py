"""Reads one BMC after another through sushy, unmodified, in threads. One JSON object on standard output."""
import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import sushy
import urllib3

urllib3.disable_warnings()
given = json.load(open(sys.argv[1]))


def whole(read):
    """What a BMC does not have is no failure: only its absence is learnt."""
    try:
        return read()
    except (sushy.exceptions.MissingAttributeError, sushy.exceptions.ResourceNotFoundError, AttributeError):
        return None


def sample(url):
    auth = sushy.auth.SessionAuth(given['username'], given['password'])
    connection = sushy.Sushy(url, auth=auth, verify=False)
    try:
        # Of several, only the server itself: parts that call themselves systems are refused by sushy.
        system = connection.get_system(connection.get_system_collection().members_identities[0])
        system.power_state
        system.memory_summary
        whole(lambda: [drive.status for each in system.storage.get_members() for drive in each.drives])
        whole(lambda: system.simple_storage.get_members())
        for chassis in connection.get_chassis_collection().get_members():
            whole(lambda: [chassis.thermal.temperatures, chassis.thermal.fans])
            whole(lambda: chassis.power.power_supplies)
        whole(lambda: [manager.firmware_version for manager in connection.get_manager_collection().get_members()])
    finally:
        auth.close()


def attempt(url):
    try:
        sample(url)
        return None
    except Exception as error:  # pylint: disable=broad-except
        return f'{url}: {error!r}'


began = time.monotonic()
with ThreadPoolExecutor(given['threads']) as pool:
    failures = [each for each in pool.map(attempt, given['urls']) if each is not None]
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    'ms': (time.monotonic() - began) * 1000,
    'cpuMs': (used.ru_utime + used.ru_stime) * 1000,
    'mostRss': used.ru_maxrss * 1024,
    'failed': len(failures),
    'firstFailure': failures[0] if failures else None,
}))
