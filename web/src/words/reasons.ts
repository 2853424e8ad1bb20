/**
 * Why a video failed, or is damaged: the services say it in English (`engine/src/reason.rs`). What is known
 * is said in Portuguese too, and whether trying again can help.
 */

import type { Words } from "./en.ts";

interface Reason {
  is: RegExp;
  pt: (found: string[]) => string;
  /** The same file would fail again. */
  lasting?: true;
}

const REASONS: Reason[] = [
  { is: /^the file is empty/i, pt: () => "O arquivo está vazio.", lasting: true },
  {
    is: /^the file is not a video in a format we know/i,
    pt: () => "O arquivo não é um vídeo em um formato que conhecemos.",
    lasting: true,
  },
  {
    is: /^the file has no video in it/i,
    pt: () => "Não há vídeo no arquivo, só som ou outros dados.",
    lasting: true,
  },
  { is: /^no frame could be found/i, pt: () => "Nenhum quadro foi encontrado no vídeo.", lasting: true },
  {
    is: /^the video is damaged or incomplete \((.*)\); (\d+) of its frames could be read/i,
    pt: ([, detail, frames]) => `O vídeo está danificado ou incompleto (${detail}); ${frames} dos seus quadros foram lidos.`,
    lasting: true,
  },
  { is: /^the video is encrypted/i, pt: () => "O vídeo está cifrado (protegido contra cópia).", lasting: true },
  {
    is: /^the video's format is not supported: (.*?)\.?$/i,
    pt: ([, what]) => `O formato do vídeo não é aceito: ${what}.`,
    lasting: true,
  },
  {
    is: /^the video would give more than (\d+) frames/i,
    pt: ([, limit]) => `O vídeo daria mais de ${limit} quadros; escolha um intervalo maior.`,
    lasting: true,
  },
  { is: /^the file is larger than (\d+) bytes/i, pt: ([, limit]) => `O arquivo tem mais de ${limit} bytes.`, lasting: true },
  {
    is: /^the video's picture is larger than (\d+) pixels/i,
    pt: ([, limit]) => `A imagem do vídeo tem mais de ${limit} pixels.`,
    lasting: true,
  },
  { is: /^the video is longer than (\d+) seconds/i, pt: ([, limit]) => `O vídeo dura mais de ${limit} segundos.`, lasting: true },
  {
    is: /^the frames would take more than (\d+) bytes/i,
    pt: ([, limit]) => `Os quadros ocupariam mais de ${limit} bytes; escolha um intervalo maior.`,
    lasting: true,
  },
  {
    is: /^the video took longer than (\d+) seconds/i,
    pt: ([, limit]) => `O processamento passou de ${limit} segundos.`,
  },
  {
    is: /^the video took more than (\d+) seconds of processor time/i,
    pt: ([, limit]) => `O vídeo precisou de mais de ${limit} segundos de processador.`,
  },
  {
    is: /^the video needs more than (\d+) bytes of memory/i,
    pt: ([, limit]) => `O vídeo precisa de mais de ${limit} bytes de memória.`,
  },
  {
    is: /^its file was not uploaded in time/i,
    pt: () => "O arquivo não foi enviado a tempo.",
    lasting: true,
  },
  {
    is: /^the file was replaced while/i,
    pt: () => "O arquivo foi trocado enquanto era processado.",
  },
];

/** A reason in the language, where it is known; else as the services say it. */
export function reasonIn(text: string, language: Words["tag"]): string {
  if (language === "pt-BR") {
    for (const { is, pt } of REASONS) {
      const found = is.exec(text.trim());
      if (found) {
        return pt(found);
      }
    }
  }
  return text;
}

/** Whether trying again may help: not where the file itself is what is wrong. */
export const mayHelp = (text: string) => !REASONS.some(({ is, lasting }) => lasting && is.test(text.trim()));
