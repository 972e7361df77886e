import { describe, expect, it } from 'vitest'
import { corsHeaders, isServedHost, isServedOrigin } from './http-guard.ts'

describe('isServedHost', () => {
  it.each([
    ['localhost:8545', true],
    ['LOCALHOST', true],
    ['192.0.2.7:80', true],
    ['[2001:db8::1]:8545', true],
    ['node.example', true],
    ['node.example.attacker.example', false],
    ['127.0.0.1.attacker.example', false],
    ['', false],
    ['[', false],
    [':', false],
  ])('%s', (host, served) => {
    expect(isServedHost(host, ['node.example'])).toBe(served)
    expect(isServedHost(host, ['*'])).toBe(true)
  })

  it('answers HTTP/1.0, which names no host', () => {
    expect(isServedHost(undefined, [])).toBe(true)
  })
})

describe('origins', () => {
  it('are told to browsers one at a time, or all', () => {
    expect(corsHeaders('https://a.example', ['https://a.example', 'https://b.example'])).toMatchObject({
      'access-control-allow-origin': 'https://a.example',
      vary: 'origin',
    })
    expect(corsHeaders('https://c.example', ['https://a.example'])).toEqual({})
    expect(corsHeaders('https://c.example', ['*'])).toMatchObject({ 'access-control-allow-origin': '*' })
    expect(isServedOrigin('https://c.example', ['https://a.example'])).toBe(false)
    expect(isServedOrigin(undefined, [])).toBe(true)
  })
})
