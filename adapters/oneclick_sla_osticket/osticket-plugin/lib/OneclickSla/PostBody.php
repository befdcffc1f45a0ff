<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * The text of a note or reply of ours. osTicket decodes HTML before it cleans it, so that "<b>" in a text would
 * become a tag; this holds escaped text and line breaks only, and is stored as it is.
 */
final class PostBody extends \HtmlThreadEntryBody
{
    public static function of(string $text): self
    {
        return new self(Text::toHtml($text));
    }

    function getClean()
    {
        return $this->body;
    }
}
