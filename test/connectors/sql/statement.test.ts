import { describe, expect, test } from 'vitest'
import { bareText, placeholderProblem, selectColumns, selectCount, statementProblem } from '../../../connectors/sql/statement.ts'

describe('one statement that only reads', () => {
  test.each([
    'SELECT 1',
    '  select a from t;  ',
    'WITH x AS (SELECT 1) SELECT * FROM x',
    '-- why\nSELECT 1',
    '/* a /* nested */ comment; */ SELECT 1',
    "SELECT ';' AS mark, 'it''s; fine' AS text",
    'SELECT "odd;name" FROM t',
    'SELECT $tag$ ; DROP TABLE t $tag$',
    "SELECT E'a\\'; b'",
    'SELECT 1; -- done; really',
  ])('accepts %s', (sql) => expect(statementProblem(sql)).toBeNull())

  test.each([
    ['', /SELECT or WITH/],
    ['DELETE FROM users', /SELECT or WITH/],
    ['selection', /SELECT or WITH/],
    ['-- SELECT\nDROP TABLE users', /SELECT or WITH/],
    ['SELECT 1; DROP TABLE users', /only one statement/],
    ['SELECT 1;;', /only one statement/],
    ["SELECT 'a'';' ; DELETE FROM t", /only one statement/],
    ["SELECT 'open", /not closed/],
    ['SELECT 1 /* open', /not closed/],
    ['SELECT $a$ open $b$', /not closed/],
    ['SELECT 1) AS q; --', /only one|never opened/],
    ['SELECT 1) AS q, (SELECT 2', /never opened/],
    ['SELECT (1', /not closed/],
  ])('refuses %s', (sql, why) => expect(statementProblem(sql)).toMatch(why))

  test('a backslash ends nothing in an ordinary string', () => {
    expect(statementProblem("SELECT 'a\\'; DROP TABLE t; --'")).toMatch(/only one statement/)
  })

  test('blanking keeps every position', () => {
    const sql = "SELECT 'x;y' /* z */ , \"a\" FROM t"
    expect(bareText(sql)).toHaveLength(sql.length)
    expect(bareText(sql)).not.toMatch(/[xyz"a']/)
  })
})

describe('the bound id', () => {
  test('exactly one kind of placeholder', () => {
    expect(placeholderProblem('SELECT 1 WHERE id = $1 OR other = $1', '$1')).toBeNull()
    expect(placeholderProblem('SELECT 1 WHERE id = ?', '?')).toBeNull()
    expect(placeholderProblem('SELECT 1 WHERE id = $2', '$1')).toMatch(/as \$1/)
    expect(placeholderProblem("SELECT 1 WHERE id = '$1'", '$1')).toMatch(/as \$1/)
    expect(placeholderProblem('SELECT 1 WHERE id = ? OR x = ?', '?')).toMatch(/single \?/)
    expect(placeholderProblem('SELECT 1', '?')).toMatch(/single \?/)
  })
})

describe('what is sent', () => {
  test('only configured columns, quoted, and a comment or semicolon at the end stays harmless', () => {
    expect(selectColumns('SELECT * FROM t; -- all; of it', ['id', 'a"b'])).toBe(
      'SELECT "id", "a""b" FROM (\nSELECT * FROM t  -- all; of it\n) AS grantline_stream',
    )
    expect(selectCount('SELECT 1 -- x')).toBe('SELECT count(*) AS total FROM (\nSELECT 1 -- x\n) AS grantline_stream')
  })
})
