"""What runs on the user's own machine: start.sh finds a Python and hands over to this package.

Standard library only, Python 3.9 or newer. Read from the top:

    __main__      one verb of the command line, from its options to the exit code

    tasks/        a tool does one prompt, or a list of them, with nobody there
    doctor        the frame around the examination that the sandbox does itself
    verify        attacks the sandbox on this very machine
    reset         empties workspace/ and data/
    review        a copy shown, taken, or thrown away
    reviewer      the image's programs on the user's folder and a copy
    egress        what a session may reach, what was refused, and the list changed
    overview      the sessions that run, as a table
    opening       a session opened, and a tool run in it
    sessions      what is around each session; a quarantine taken back
    offer         a session that nobody is at, offered at the next start
    control       come back to a session, end it, print what it wrote, run a command in it
    detached      a session started with nobody attached
    remains       what sessions leave that ended while nobody was there
    roster        the sessions of this checkout, as the engine lists them
    session       one container of the sandbox, from its start to its end
    demo          the model that --demo brings along
    traffic       the gateway's log, line by line
    gateway       the gateway beside a session; what it refused; its list read anew
    inquiry       a program of the image asked: it alone reads such a file
    listing       what egress shows
    copying       a copy made for a session, and told of at its end
    filling       what is in it: an overlay tried, or files copied
    image         what the image is built from and with
    recipe        the digest of that: nothing is built while it stays the same

    questions     what a start asks at once
    compose       every `docker compose` command line
    configuration what Compose makes of .env and compose.yml
    engine        is Docker here, and fit for this
    copies        what sessions with --copy write on, kept as volumes of the engine's

    project       a folder of the user's in the place of workspace/, with data of its own

    cli           the options of every verb; the only place that reads the command line
    options/      what they ask for, a module for each group of verbs
    consent       the words by which a user agrees to a loss
    checkout      where this checkout is, and its version
    supervisor    runs a child; all signals, process groups and terminals
    detach_keys   the keys that leave a session running
    attendance    who is at a session
    tree          counts and removes what is below a folder
    refused       what gateways refused that are gone

    journal       the gateway's lines, in plain words, and counted
    folder_lock   a folder that one process at a time works on
    list_file     the user's list, replaced at once
    proposals     what projects ask to be allowed
    names         what a session is called
    screen        what a tool asked of the terminal, for another terminal
    terminal      the user's terminal, left as it was
    completion    the options of cli, for bash and zsh
    as_root       a container that works on folders as root
    answers       what other programs answer, as JSON
    labels        what is written on a session's container
    endings       what is said of a session that is left, or was killed
    interpolation what Compose does with a $
    messages      lines for the user, on stderr
    errors        what goes wrong, and every exit code

Whatever is above may use what is below, never the other way round; lint-imports checks it.
"""
