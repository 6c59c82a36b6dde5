"""What Python's etcd3 does with a gateway: python etcd3_program.py HOST PORT. It ends with a traceback if anything is not as etcd has it."""

import queue
import sys
import threading
import time

import etcd3

# Longer than anything here takes on a busy machine, in seconds.
PATIENCE = 40


def keys(client):
    client.put("py/a", "1")
    assert client.put("py/a", "2", prev_kv=True).prev_kv.value == b"1"
    client.put("py/b", "3")
    client.put("other", "4")
    value, meta = client.get("py/a")
    assert value == b"2" and meta.key == b"py/a" and meta.version == 2
    assert meta.mod_revision > meta.create_revision
    assert client.get("py/none") == (None, None)
    found = [(meta.key, value) for value, meta in client.get_prefix("py/")]
    assert found == [(b"py/a", b"2"), (b"py/b", b"3")], found
    found = [value for value, _ in client.get_prefix("py/", sort_order="descend")]
    assert found == [b"3", b"2"], found
    assert client.put_if_not_exists("py/c", "5") and not client.put_if_not_exists("py/c", "6")
    assert client.replace("py/c", "5", "6") and not client.replace("py/c", "5", "7")
    assert client.delete("py/c") and not client.delete("py/c")
    assert client.delete_prefix("py/").deleted == 2
    assert client.get("py/a") == (None, None)
    assert client.get("other")[0] == b"4"


def transactions(client):
    client.put("txn", "1")
    ops = client.transactions

    def swap():
        return client.transaction(
            compare=[ops.value("txn") == "1", ops.version("txn") > 0],
            success=[ops.put("txn", "2"), ops.get("txn")],
            failure=[ops.delete("txn"), ops.get("txn")],
        )

    succeeded, responses = swap()
    assert succeeded and responses[1][0][0] == b"2", responses
    succeeded, responses = swap()
    assert not succeeded and responses[1] == [], responses


def watches(client):
    first = client.put("watched/a", "1").header.revision
    client.put("watched/b", "2")
    client.put("elsewhere", "3")
    client.delete("watched/a")
    events, cancel = client.watch_prefix("watched/", start_revision=first)
    told = [next(events) for _ in range(3)]
    kinds = [type(event) for event in told]
    put, delete = etcd3.events.PutEvent, etcd3.events.DeleteEvent
    assert kinds == [put, put, delete], told
    assert [event.key for event in told] == [b"watched/a", b"watched/b", b"watched/a"]
    assert [event.mod_revision - first for event in told] == [0, 1, 3]
    cancel()
    assert list(events) == [], "a watch that is cancelled ends"

    heard = queue.Queue()
    watch_id = client.add_watch_callback("watched/c", lambda told: [heard.put(event) for event in told.events])
    client.put("watched/c", "now")
    assert heard.get(timeout=PATIENCE).value == b"now"
    client.cancel_watch(watch_id)


def leases(client):
    lease = client.lease(60)
    client.put("leased", "x", lease=lease)
    assert client.get("leased")[1].lease_id == lease.id
    assert lease.granted_ttl == 60 and 0 < lease.remaining_ttl <= 60
    assert list(lease.keys) == [b"leased"]
    assert [kept.TTL for kept in lease.refresh()] == [60]
    lease.revoke()
    assert client.get("leased") == (None, None), "it goes with its lease"
    assert [kept.TTL for kept in lease.refresh()] == [0]


def locks(client, other):
    held, wanted = client.lock("job", ttl=60), other.lock("job", ttl=60)
    assert held.acquire(timeout=PATIENCE) and held.is_acquired()
    assert not wanted.acquire(timeout=1), "it is held by another"

    def acquire():
        until = time.monotonic() + PATIENCE
        # A release that comes before it has begun to watch, etcd3 does not notice: it is asked again.
        while not wanted.acquire(timeout=1) and time.monotonic() < until:
            pass

    waiter = threading.Thread(target=acquire)
    waiter.start()
    assert held.release()
    waiter.join(PATIENCE)
    assert wanted.is_acquired() and not held.is_acquired()
    assert wanted.release()


def compaction(client):
    client.put("old", "1")
    revision = client.put("old", "2").header.revision
    client.compact(revision)
    events, cancel = client.watch("old", start_revision=revision - 1)
    try:
        next(events)
        raise AssertionError("a watch from before the compaction begins")
    except etcd3.exceptions.RevisionCompactedError as error:
        assert error.compacted_revision == revision, error
    cancel()
    assert client.get("old")[0] == b"2"


def maintenance(client):
    status = client.status()
    assert status.version == "3.5.0" and status.raft_index > 0 and status.db_size > 0
    members = list(client.members)
    assert len(members) == 4 and status.leader.id in [member.id for member in members]
    assert all(member.client_urls and member.name for member in members)
    assert any(client.hash() == client.hash() for _ in range(20))
    before = client.hash()
    client.put("hashed", "x")
    assert client.hash() != before
    client.defragment()
    assert list(client.list_alarms()) == []


def main(host, port):
    clients = [etcd3.client(host=host, port=port, timeout=PATIENCE) for _ in range(2)]
    client, other = clients
    for topic in (keys, transactions, watches, leases, compaction, maintenance):
        topic(client)
        print(topic.__name__)
    locks(client, other)
    print("locks")
    for each in clients:
        each.close()


main(sys.argv[1], int(sys.argv[2]))
