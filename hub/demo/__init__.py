"""A believable retailer to try the hub with: two sister brands, their pictures and a dozen customers.

    brand/*.jsonl  the catalogue, the approved answers, the brand facts and the offers
    pictures/      line drawings, one for each family of products
    personas.toml  who the customers are and what they did, in times relative to now
    house.py       reads the brand's files; personas.py reads the customers', histories.py tells what they did
    play.py        puts the brand into the catalogue and plays the histories through the public ingest

All of it was made for this project. docs/demo.md is the guided tour.
"""
