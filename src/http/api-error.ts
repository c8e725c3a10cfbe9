/**
 * The asker's mistake: an unknown name, a bad parameter, nothing found; or 503, which another process or a later moment would answer.
 * `status` is the HTTP status that says so.
 */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly status: 400 | 401 | 403 | 404 | 409 | 503
  constructor(status: ApiError['status'], message: string) {
    super(message)
    this.status = status
  }
}
