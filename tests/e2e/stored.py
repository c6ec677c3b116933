"""What a running hub has stored, read behind its back."""

import pymongo

from hub.store.embedded import replica
from hub.store.embedded.directory import DataDirectory
from tests.e2e.hub_process import HubProcess
from tests.privacy.scan import readable


def everything_in(hub: HubProcess) -> dict[str, bytes]:
    """Return what each document of each collection holds, in lower case, by "collection/id"."""
    directory = DataDirectory(hub.data_dir / "mongodb")
    runtime = directory.runtime()
    assert runtime is not None
    with pymongo.MongoClient(replica.uri(runtime.port, directory.password())) as client:
        database = client["tutti"]
        return {
            f"{name}/{document['_id']}": readable(document)
            for name in database.list_collection_names()
            for document in database[name].find({})
        }
