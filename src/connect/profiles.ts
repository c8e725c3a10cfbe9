import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Profile } from './probe.ts'

const fileOf = (dataDir: string, app: string): string => join(dataDir, 'profiles', `${app}.json`)

/** Keeps what was measured as the application's profile; answers the file. */
export async function keepProfile(dataDir: string, profile: Profile): Promise<string> {
  const file = fileOf(dataDir, profile.app)
  await mkdir(join(dataDir, 'profiles'), { recursive: true })
  await writeFile(`${file}.new`, `${JSON.stringify(profile, null, 2)}\n`)
  await rename(`${file}.new`, file)
  return file
}

/** Null where nothing was measured, or by another version: then it has to be measured anew. */
export async function keptProfile(dataDir: string, app: string): Promise<Profile | null> {
  try {
    return Profile.safeParse(JSON.parse(await readFile(fileOf(dataDir, app), 'utf8'))).data ?? null
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
