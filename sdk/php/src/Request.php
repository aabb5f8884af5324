<?php

declare(strict_types=1);

namespace Buddy\Verify;

/** A plain request: what an endpoint needs to know, from whatever framework. */
final class Request
{
    /** A callback has about 130 bytes; nothing that is larger is Buddy's. */
    public const BODY_BYTES_MAX = 16 * 1024;

    /** @var array<string, string> */
    private readonly array $headers;

    /**
     * @param array<string, string|list<string|null>> $headers their names in any letters
     * @param string $body the raw body; of one larger than BODY_BYTES_MAX the first BODY_BYTES_MAX + 1 bytes will do
     * @param object|null $native the framework's own request, for your function
     */
    public function __construct(
        public readonly string $method,
        array $headers,
        public readonly string $body,
        public readonly ?object $native = null,
    ) {
        $joined = [];
        foreach ($headers as $name => $value) {
            // Two values are none that can be right: joined, they match no rule.
            $joined[strtolower((string) $name)] = is_array($value) ? implode(', ', $value) : $value;
        }
        $this->headers = $joined;
    }

    /** The request that PHP is answering. */
    public static function fromGlobals(): self
    {
        $headers = [];
        foreach ($_SERVER as $key => $value) {
            if (is_string($key) && is_string($value) && str_starts_with($key, 'HTTP_')) {
                $headers[strtr(substr($key, 5), '_', '-')] = $value;
            }
        }
        // The two that PHP does not always name as it does the others.
        foreach (['CONTENT_TYPE' => 'Content-Type', 'CONTENT_LENGTH' => 'Content-Length'] as $key => $name) {
            if (isset($_SERVER[$key]) && $_SERVER[$key] !== '') {
                $headers[$name] = (string) $_SERVER[$key];
            }
        }
        $body = file_get_contents('php://input', false, null, 0, self::BODY_BYTES_MAX + 1);
        return new self($_SERVER['REQUEST_METHOD'] ?? 'GET', $headers, (string) $body);
    }

    public function header(string $name): ?string
    {
        return $this->headers[strtolower($name)] ?? null;
    }

    /**
     * Whether the body is larger than any endpoint here reads. Its length as announced counts too, since PHP itself drops a body
     * over `post_max_size`.
     */
    public function isTooLarge(): bool
    {
        return strlen($this->body) > self::BODY_BYTES_MAX || $this->announcedBytes() > self::BODY_BYTES_MAX;
    }

    /**
     * The raw body.
     *
     * @throws RawBodyMissing
     */
    public function rawBody(): string
    {
        // PHP parses a multipart body itself and keeps none of it. Buddy sends no such: it is a stranger's, and no mistake here.
        $isMultipart = str_starts_with(strtolower($this->header('Content-Type') ?? ''), 'multipart/');
        if ($this->body === '' && $this->announcedBytes() > 0 && !$isMultipart) {
            throw new RawBodyMissing();
        }
        return $this->body;
    }

    private function announcedBytes(): int
    {
        $length = $this->header('Content-Length') ?? '';
        return preg_match('/\A[0-9]+\z/', $length) === 1 ? (int) $length : 0;
    }
}
