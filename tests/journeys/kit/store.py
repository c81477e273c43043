"""What the store says after a journey, over all operators."""

from typing import LiteralString

import psycopg


async def open_rides(database_url: str) -> int:
    return await _count(database_url, "select count(*) from ride where status not in ('ENDED', 'FAILED')")


async def vehicles_held(database_url: str) -> int:
    return await _count(database_url, "select count(*) from vehicle where held_by is not null")


async def _count(database_url: str, sql: LiteralString) -> int:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        [(count,)] = await (await connection.execute(sql)).fetchall()
        return int(count)
