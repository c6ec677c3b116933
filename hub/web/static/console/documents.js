// What the console asks. ServiceDesk, Replay and the answer are the contract's own documents, with more fields;
// tests/web/test_console.py validates every one against the schema.

export const ENTER = `query Enter {
  mergeReviews(first: 1) { edges { node { id } } }
  layers { name title description }
  scenarios { key title }
}`;

/** Only an admin's key may ask this. */
export const ADMIN = `query Admin { mutedLayers { layer { name } } }`;

/** One field for each name that was tried. */
export const FIND = (names) => `query Find(${names.map((name) => `$${name}: CustomerRef!`).join(", ")}) {
  ${names.map((name) => `${name}: customer(by: $${name}) { id displayName }`).join("\n  ")}
}`;

const ENTRY = "edges { cursor node { id at kind title } } pageInfo { hasNextPage endCursor }";
const SEEN = `edges { node { id at channel scenario { key } items { position content { key title } } } }
  pageInfo { hasNextPage endCursor }`;

export const SERVICE_DESK = `query ServiceDesk($for: CustomerRef!, $seen: Int = 20, $events: Int = 20, $preview: Boolean! = false) {
  customer(by: $for) {
    id displayName version firstSeenAt lastSeenAt
    identities { type value verified firstSeenAt }
    traits { key value source updatedAt }
    preferences { key value }
    interests(first: 8) { edges { node { id label kind weight evidence { content { key title } text at } } } }
    needs { category pattern satisfiedUntil }
    consents { purpose channel state allowed updatedAt source }
    segments { key title }
    timeline(first: $events) { ${ENTRY} }
    served(first: $seen) { ${SEEN} }
    grants { id code state offer { key title terms } grantedAt expiresAt channel }
    similar(first: 5) { edges { node { sharedInterests count } } }
  }
  experience(for: $for, channel: SERVICE_DESK, scenario: "service", preview: $preview) {
    servedId
    degraded { code message }
    withheld { code message }
    moment { title }
    ... on ServiceDeskExperience {
      brief
      cautions { code message }
      suggestions { title sentence content { key title imageUrl price { amount currency } } offer { key title terms } }
    }
    suppressed(first: 100) { edges { node { content { key title } gate rule sentence } } }
  }
}`;

export const TIMELINE = `query Timeline($for: CustomerRef!, $after: String, $kinds: [TimelineKind!]) {
  customer(by: $for) { timeline(first: 40, after: $after, kinds: $kinds) { ${ENTRY} } }
}`;

export const SERVED = `query Served($for: CustomerRef!, $after: String) {
  customer(by: $for) { served(first: 20, after: $after) { ${SEEN} } }
}`;

export const REPLAY = `query Replay($id: ID!) {
  served(id: $id) { id at channel configurationVersion profileVersion expiresAt body html }
}`;

export const PREVIEW = `query Preview($for: CustomerRef!, $channel: Channel!, $scenario: String!, $mix: MixInput, $first: Int = 20) {
  experience(for: $for, channel: $channel, scenario: $scenario, mix: $mix, preview: true) {
    moment { title }
    degraded { code message }
    withheld { code message }
    mix { layer { name } weight }
    ranking(first: $first) {
      position score
      content { key title kind imageUrl price { amount currency } }
      why { sentence contributions { layer { name } weight score contribution rankBefore rankAfter } }
    }
    suppressed(first: 50) { totalCount edges { node { content { key title } gate rule sentence } } }
    ... on EmailExperience { to subject preheader html }
  }
}`;

export const ANSWER = `query Answer($question: String!, $for: CustomerRef) {
  answer(question: $question, for: $for, channel: SERVICE_DESK) {
    question confidence
    answer { id key version title text claims { key version text } }
    alternatives { key title confidence answer { text version } }
  }
}`;

export const REVIEWS = `query Reviews($after: String) {
  mergeReviews(first: 20, after: $after) {
    edges { node {
      id kind identity score openedAt
      evidence { text at source }
      customers { id displayName firstSeenAt lastSeenAt identities { type value verified } }
    } }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const DECIDE = `mutation Decide($input: DecideMergeReviewInput!) {
  decideMergeReview(input: $input) { review { id state } customer { id displayName } errors { code message path } }
}`;
