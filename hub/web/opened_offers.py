"""How an offer of a message stands, when the message is read.

    GET /offers/SERVED/STAMP/KEY.png   a line of words, always of the same size
    GET /offers/SERVED/STAMP/KEY       a page with the offer, its terms, and its code while it is good

Addresses are stamped, as all of a message's are. Neither is recorded.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hub.auth.tokens import Signer
from hub.channels.offer_opening import OfferOpening
from hub.channels.opening import OFFER
from hub.channels.pictures import Pictures
from hub.web.opened import KEPT, PRIVATE, answering, plain_page


def routes(opening: OfferOpening, pictures: Pictures, signer: Signer) -> list[BaseRoute]:
    """Return the routes."""

    async def offer(request: Request) -> Response:
        served_id, asked = request.path_params["served"], request.path_params["key"]
        key = asked.removesuffix(".png")
        signer.check_stamp(request.path_params["stamp"], OFFER, served_id, key)
        now = await opening.offer(served_id, key)
        if asked != key:
            headers = {"Cache-Control": KEPT, **PRIVATE}
            return Response(await pictures.line(now.words), media_type="image/png", headers=headers)
        code = f" Your code: {now.code}." if now.code else ""
        return plain_page(now.title or "An offer", f"{now.words}.{code} {now.terms}".strip(), status=200)

    return [Route("/offers/{served}/{stamp}/{key:path}", answering(offer), methods=["GET"])]
