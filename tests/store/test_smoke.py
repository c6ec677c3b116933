async def test_store_answers(store):
    await store.ping()
    assert "profiles" in await store.db.list_collection_names()
