# Weir behind Varnish 7: what a thousand viewers ask for reaches Weir once.
#
# Weir's own Cache-Control decides how long everything lives. This file adds what
# a live stream needs and HTTP cannot say:
#
# - Requests for one URL are collapsed, blocking reloads and hinted parts too:
#   Varnish parks all but the first on the object's waiting list, without a thread,
#   and wakes them when its header is there.
# - What grows is streamed: each chunk goes to all viewers as it comes in.
# - No stale playlists. Grace serves the old object while a new one is fetched,
#   which for a live playlist means a viewer who never reaches the edge.
#
# Why not nginx? With proxy_cache_lock its waiters poll every 500 ms, more than a
# part lasts, and see nothing until the whole object is in the cache: a growing
# segment arrives when it is over. Without the lock each viewer is a request at the
# origin. nginx is fine in front of plain HLS.
vcl 4.1;

import std;

backend weir {
    .host = "weir";
    .port = "8080";
    .connect_timeout = 1s;
    # A blocking reload is held for three target durations at most, which are 10 s
    # each at worst.
    .first_byte_timeout = 35s;
    # Chunks of a growing segment come three times a second.
    .between_bytes_timeout = 10s;
    # Not /readyz: it fails while Weir lets viewers finish before it stops.
    .probe = {
        .url = "/healthz";
        .interval = 2s;
        .timeout = 1s;
        .window = 5;
        .threshold = 2;
        .initial = 2;
    }
}

sub vcl_recv {
    if (req.url ~ "^/metrics") {
        return (synth(404));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        # Preflight requests, which browsers keep for a day, and what Weir refuses.
        return (pass);
    }
    if (req.url ~ "^/(time|healthz|readyz)") {
        return (pass);
    }
    if (req.url ~ "^/api/" && (req.http.Authorization || req.url !~ "^/api/v1/streams")) {
        return (pass);
    }
    if (req.url !~ "^/live/") {
        unset req.http.Cookie;
        return (hash);
    }
    # Nothing below /live/ depends on who asks.
    unset req.http.Cookie;
    unset req.http.Authorization;

    # Players tell how they fare in the query (CMCD), different in each request: as
    # part of the key it would make every viewer a miss. It goes to the log,
    #   varnishlog -g request -q 'VCL_Log ~ "^cmcd:"'
    # and, as a header, to the origin with those requests that get there.
    if (req.url ~ "[?&]CMCD=") {
        set req.http.X-CMCD = regsub(req.url, "^.*[?&]CMCD=([^&]*).*$", "\1");
        std.log("cmcd:" + req.http.X-CMCD);
    }
    # Of the query only what names another content is kept, in one order.
    if (req.url ~ "\.m3u8\?") {
        set req.url = regsuball(req.url, "(?<=[?&])(?!_HLS_msn=|_HLS_part=|_HLS_skip=|ll=[01](?:&|$))[^&]*(?:&|$)", "");
        set req.url = regsub(req.url, "[?&]+$", "");
        set req.url = std.querysort(req.url);
    } else {
        set req.url = regsub(req.url, "\?.*$", "");
    }
    return (hash);
}

sub vcl_hash {
    # Weir's answers do not depend on the host name, except for what pages and API
    # may say of themselves.
    hash_data(req.url);
    if (req.url !~ "^/live/") {
        hash_data(req.http.host);
    }
    return (lookup);
}

sub vcl_backend_fetch {
    if (bereq.url ~ "^/api/") {
        set bereq.between_bytes_timeout = 60s; # server-sent events
    }
}

sub vcl_backend_response {
    # Both are the defaults; low latency is lost with either.
    set beresp.do_stream = true;
    set beresp.do_gzip = false;

    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (bereq.url ~ "^/live/") {
        call live_response;
    }
}

sub live_response {
    # "Not yet" must not be kept, says no-store. But all who wait for it now get this
    # one answer: for want of an object Varnish would ask the origin for each of
    # them, one after the other.
    if (beresp.status >= 500) {
        set beresp.ttl = 0.5s;
        return (deliver);
    }
    # What is refused, such as a reload too far ahead, is passed on, for a second:
    # the built-in rule would pass every request for this URL for two minutes, also
    # when it is right to ask for it.
    if (beresp.http.Cache-Control ~ "no-store") {
        set beresp.uncacheable = true;
        set beresp.ttl = 1s;
        return (deliver);
    }
    # Low-latency DASH players ask three times a second, and HTTP counts in seconds.
    if (bereq.url ~ "/manifest-ll\.mpd$" && beresp.ttl > 0.2s) {
        set beresp.ttl = 0.2s;
    }
    # Weir keeps segments and parts for half a minute, then nobody asks for them.
    if (bereq.url ~ "\.m4s$" && beresp.ttl > 120s) {
        set beresp.ttl = 120s;
    }
    return (deliver);
}

sub vcl_backend_error {
    # Weir cannot be reached. Everyone gets this answer for half a second.
    set beresp.ttl = 0.5s;
    set beresp.grace = 0s;
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "1";
    set beresp.http.Content-Type = "text/plain; charset=utf-8";
    set beresp.http.Access-Control-Allow-Origin = "*";
    synthetic("Weir does not answer. Ask again in a moment." + {"
"});
    return (deliver);
}

sub vcl_deliver {
    # For monitoring: how many were served from one fetch.
    if (obj.hits > 0) {
        set resp.http.X-Cache = "hit";
    } else {
        set resp.http.X-Cache = "miss";
    }
    unset resp.http.Via;
    unset resp.http.X-Varnish;
}
