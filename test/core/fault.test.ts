import { afterEach, describe, expect, it } from 'vitest'
import { armFaults, faultPoints, reach } from '../../src/core/fault.ts'

describe('fault points', () => {
  afterEach(() => armFaults(null))

  it('do nothing until armed, then call with the name of the point, and stop when disarmed', () => {
    const seen: string[] = []
    reach('log.before-append')
    armFaults((point) => seen.push(point))
    reach('log.before-append')
    reach('sink.after-insert')
    armFaults(null)
    reach('log.before-append')
    expect(seen).toEqual(['log.before-append', 'sink.after-insert'])
  })

  it('let the handler’s error through', () => {
    armFaults(() => {
      throw new Error('killed here')
    })
    expect(() => reach('runtime.before-commit')).toThrow('killed here')
  })

  it('have names of their own', () => {
    expect(new Set(faultPoints).size).toBe(faultPoints.length)
  })
})
