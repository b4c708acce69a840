"""The sandbox's only way out: a process of its own that knows where a session may go, and holds the keys.

It runs in a container beside the sandbox, which has no network and reaches it by Unix sockets. Of init/
it may use what reads files and describes model servers, never what runs a session.
Arrows go down; lint-imports checks it.

__main__    the sockets, the policy's reload, the end
questions   what start.sh asks: the list shown and changed, a proposal read
listeners/  one module for each socket: model, proxy, tls, dns
exchange    one HTTP request and its answer, passed on
upstream    names to addresses, addresses to connections: look up once, connect to what was examined
relay       bytes both ways
journal     one line of JSON for each decision
amendment   config/egress.yml with a line more or less
policy_file config/egress.yml and EGRESS_ALLOW
policy      the one decision: may this name be reached at this port?
endpoints   which requests of a model server a tool needs
wire/       parsers that refuse what is odd: HTTP heads and bodies, ClientHello, DNS
redaction   a key that comes back in an answer
addresses names   which addresses are nobody's business; host names in the one form in which they are compared
refusal     why something does not pass
"""
