"""Follows what grantline finds, with nothing but docs/contract.md and the schema registry.

Prints one JSON line for each record of findings, access, lag and sync-runs. With --once it ends where the topics end now.

    pip install -r requirements.txt
    python consumer.py --brokers localhost:9092 --registry http://localhost:8080/apis/ccompat/v7 --prefix grantline.
"""
import argparse
import base64
import io
import json
import struct
import urllib.request

import fastavro
from confluent_kafka import Consumer, KafkaError, KafkaException

TOPICS = ["findings", "access", "lag", "sync-runs"]


class Schemas:
    """Schemas by the id that a message begins with; each is asked for once."""

    def __init__(self, registry):
        self.registry = registry.rstrip("/")
        self.known = {}

    def of(self, schema_id):
        if schema_id not in self.known:
            with urllib.request.urlopen(f"{self.registry}/schemas/ids/{schema_id}", timeout=10) as answer:
                self.known[schema_id] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
        return self.known[schema_id]


class Decoder:
    """Messages to records. Records larger than a message come in parts, which are put together here."""

    def __init__(self, schemas):
        self.schemas = schemas
        self.parts = {}

    def records(self, value):
        magic, schema_id = struct.unpack(">bI", value[:5])
        if magic != 0:
            raise ValueError("the message does not begin with the frame of the registry")
        decoded = fastavro.schemaless_reader(io.BytesIO(value[5:]), self.schemas.of(schema_id))
        for record in decoded["records"] if set(decoded) == {"records"} else [decoded]:
            if record["type"] == "Part":
                yield from self.part(record)
            else:
                yield record

    def part(self, part):
        held = self.parts.setdefault(part["id"], {})
        held[part["part"]] = part["bytes"]
        if len(held) == part["of"]:
            del self.parts[part["id"]]
            yield from self.records(b"".join(held[number] for number in range(part["of"])))


def event(message):
    """The CloudEvents attributes of a message: its headers that begin with ce_."""
    return {name[3:]: value.decode() for name, value in message.headers() or [] if name.startswith("ce_")}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--brokers", required=True, help="host:port, by commas")
    options.add_argument("--registry", required=True, help="address of the registry's Confluent API")
    options.add_argument("--prefix", default="grantline.", help="what the names of the topics begin with")
    options.add_argument("--group", default="contract-example", help="consumer group")
    options.add_argument("--once", action="store_true", help="end where the topics end now")
    chosen = options.parse_args()

    consumer = Consumer(
        {
            "bootstrap.servers": chosen.brokers,
            "group.id": chosen.group,
            "auto.offset.reset": "earliest",
            # what a transaction wrote that was given up must not be seen
            "isolation.level": "read_committed",
            # committed now and then: what store_offsets below said, never what was only fetched
            "enable.auto.commit": True,
            "enable.auto.offset.store": False,
            "enable.partition.eof": chosen.once,
        }
    )
    names = [f"{chosen.prefix}{topic}" for topic in TOPICS]
    decoder = Decoder(Schemas(chosen.registry))
    unread = {(name, number) for name in names for number in consumer.list_topics(name, timeout=10).topics[name].partitions}
    consumer.subscribe(names)
    try:
        while unread or not chosen.once:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                if message.error().code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(message.error())
                unread.discard((message.topic(), message.partition()))
                continue
            place = {"topic": message.topic()[len(chosen.prefix) :], "partition": message.partition(), "offset": message.offset()}
            for index, record in enumerate(decoder.records(message.value())):
                print(json.dumps({"event": event(message), **place, "index": index, "record": record}, default=as_text), flush=True)
            # after the work is done: a crash in between repeats it, and its event has the same id
            consumer.store_offsets(message)
    finally:
        consumer.close()


def as_text(value):
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    main()
