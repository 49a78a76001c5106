"""HTTP applications of the core and what every application shares; aiohttp is the adapter that ships."""
