<?php

declare(strict_types=1);

namespace Buddy\Verify\Laravel;

use Buddy\Verify\Request;
use Buddy\Verify\Response;
use Illuminate\Http\Request as LaravelRequest;
use Illuminate\Http\Response as LaravelResponse;

/** @internal */
final class Http
{
    public static function request(LaravelRequest $request): Request
    {
        // Not all(), json() or input(): those are parsed, and trimmed by middleware.
        $body = stream_get_contents($request->getContent(true), Request::BODY_BYTES_MAX + 1);
        return new Request($request->getRealMethod(), $request->headers->all(), (string) $body, $request);
    }

    public static function response(Response $response): LaravelResponse
    {
        return new LaravelResponse($response->body, $response->status, $response->headers);
    }
}
